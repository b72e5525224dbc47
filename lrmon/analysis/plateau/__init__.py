"""The rule of ReduceLROnPlateau: one step of it, a replay, and a replay over long series."""
