"""Reads recorded trainings from TensorBoard's data provider, and makes reports, series and exports."""
