"""Orders as events state them, and their books: what they sold and took, refunds taken off."""
