"""Side-by-side measurements of minitf, TensorFlow and PyTorch: `make bench`.

    catalogue.py     what is measured: the cases, as data
    targets.py       what minitf should reach, as data
    graph_work.py    the work of each case for minitf and for TensorFlow, which are one program
    torch_work.py    the same work for PyTorch
    networks.py      the models that both the workers and the fresh processes train
    worker.py        one engine's process, which does and times work when asked
    fresh.py         what can be seen only in a process of its own: import, memory, first step
    driver.py        has the engines take turns, and gathers their times
    summary.py       medians, quartiles, ratios; the table; the JSON
    growth.py        how cost grows with the graph and with the batch, as a plot
    kernels.py       minitf's kernels alone, with their rates

Nothing is imported here: a fresh process must not have loaded anything when its clock starts.
"""
