"""minitf against TensorFlow; `harness` says how, `python -m tests.parity.record` records anew."""
