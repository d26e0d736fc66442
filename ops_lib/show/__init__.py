"""What people see: plots, notebooks, pages, files."""
