"""A rehearsal of the chart on whatever cluster `kubectl` points to: installed, upgraded under load, a pod killed and a
node taken away.

`python -m deploy.rehearsal --help`. `cluster` has what it says to kubectl and helm, `load` runs in a pod there.
"""
