"""Many figures in one call: recorded metrics, and figures of the platform's own facts."""
