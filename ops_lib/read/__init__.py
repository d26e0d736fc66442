"""AWS -> evidence. Nothing here changes anything, and nothing here judges."""
