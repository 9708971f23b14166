"""The generated parts of docs/: each function returns Markdown made from the code, and cog puts it in its place."""
