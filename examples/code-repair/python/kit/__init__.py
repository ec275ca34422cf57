"""Small functions that need nothing but the standard library."""
