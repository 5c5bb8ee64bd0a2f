"""Research logs in Markdown or plain text, compiled into questions, next steps and learnings."""
