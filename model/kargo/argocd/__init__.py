"""Argo CD Applications as the controller meets them: their health, and the steps that update or await them."""
