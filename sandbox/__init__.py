"""The sandbox: stands in for the platforms on one machine, and shares no code with the product."""
