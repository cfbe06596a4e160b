"""The gateway's own process: health of the mesh, the caches' switches, and the documentation pages."""
