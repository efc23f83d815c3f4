"""The five platforms for yardsticks: what our connectors call, answered at once, by one cheap process.

    python -m bench.platforms --port 9000 --epoch 1800000000 [--limits]

It is no sandbox and checks nothing. With `--limits` each store has its platform's own bucket, and calls beyond it are
refused in the platform's words. What it does not know it refuses and lists. `/_bench/` sets latency and faults, whole,
by platform or by shop, and gives the ledger.
"""
