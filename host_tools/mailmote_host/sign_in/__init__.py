"""Signing a board in with Microsoft Entra, from this computer. Applications with a secret do not need it."""
