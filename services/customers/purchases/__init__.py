"""Who bought what, refunds taken off, who came, and who passed a ticket on."""
