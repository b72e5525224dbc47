"""The ring buffer: learning rate and loss of each step, read inside the training step.

A callback sees the learning rate before or after other code changed it, and the loss as a running mean. A
schedule that is evaluated outside is not always what the compiled step used. So the training step itself
writes a step record into a ring buffer on its device, and the host reads many step records at once. Each
backend has its own ring buffer, because each has its own way to compile a step.
"""
