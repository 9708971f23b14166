"""The site's nodes: what each last said, what each should be, and which of their devices cannot be trusted to see."""
