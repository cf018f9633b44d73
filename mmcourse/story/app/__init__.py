"""The storyteller in a browser: an open picture book, served on this machine.

The page is our own (`page/`), for a picture book is no form. Gradio does what it is good at: one
queue for all work that lasts, with its limits, its stream of progress and its cancelling. A small
server (`server`) shows the page at once and brings Gradio in behind it, so that nobody waits for
its import.
"""
