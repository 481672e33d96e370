"""The operator of the Ambient Code platform: sessions, their pods, and what is pushed to their runners."""
