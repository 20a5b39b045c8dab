"""With this package one command starts a whole cluster: `minitf cluster run --ps 1 --workers 2`.

The script is the one that would be started by hand on each machine. Each process is told who it is
in all the ways in which scripts ask: the environment variable `TF_CONFIG`, the flags `--job_name`,
`--task_index`, `--ps_hosts` and `--worker_hosts` where the script has them, and `{job}`, `{index}`,
`{ps_hosts}` and `{worker_hosts}` in the arguments that the user gives.

`tasks` says what each process is told, `process` runs one on this machine, `ray_engine` on a node
of a Ray cluster, and `supervise` looks after them until they are done.
"""
