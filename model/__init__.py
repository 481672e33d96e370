"""(see the README for the map)"""
