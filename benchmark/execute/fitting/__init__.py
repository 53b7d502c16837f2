"""One fit: a pipeline put together, its rows prepared, its network trained, alone or in a stack."""
