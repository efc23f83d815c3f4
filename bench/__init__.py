"""The yardsticks of `make bench`: each measured beside its limit or its peer in the same run."""
