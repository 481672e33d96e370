"""The models: the kernel they are written in, the toys that pin it, and the engines they describe."""
