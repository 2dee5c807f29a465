"""Whether it arrived: the model read back, every hop compared, the run concluded."""
