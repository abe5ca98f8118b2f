"""The way of a message out: submission → queue → lease → signing → routing → delivery → outcome → retry."""
