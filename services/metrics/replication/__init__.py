"""The replica of recorded metrics and platform series in InfluxDB: filling, proving and mending it."""
