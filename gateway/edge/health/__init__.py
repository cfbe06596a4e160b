"""Whether the mesh works: every service and every store behind it, looked at in the background."""
