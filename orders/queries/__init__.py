"""Reads for the screens, already shaped: templates ask nothing themselves. Each opens the merchant's rows itself."""
