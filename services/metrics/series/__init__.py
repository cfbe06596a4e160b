"""Series: buckets, points and aggregates of recorded metrics."""
