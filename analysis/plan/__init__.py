"""What shall be done: settings, experiments, folders, code versions, stages. Free of torch."""
