"""What every platform must be able to say: types, events, errors, and the connector's shape. No Django here."""
