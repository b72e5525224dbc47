"""The ring: learning rate and loss of each step, taken where the step itself takes them.

A callback sees the learning rate before or after somebody else changed it, and the loss as a running mean;
a schedule that is evaluated outside is not always what the compiled step used. So the training step itself
writes a row into a ring of rows on its device, and the host reads many rows at once, when it suits. Each
backend has its own ring, since each has its own way to compile a step.
"""
