"""Read models made anew from the raw events of their tenant, which the metrics service keeps."""
