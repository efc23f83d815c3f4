"""`make proof`: never lost, never twice, shown with real processes that are killed, and judged from the other side.

Starts everything anew, breaks it by a plan drawn from a seed, and compares what the sandbox wrote into its ledger with
what buyers did. Speaks to the product over HTTP only, and looks into its tables with SQL only.
"""
