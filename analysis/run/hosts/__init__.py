"""Host models, one to a file: a class that satisfies `analysis.run.hosts._host.Host`. A new file here is a new host."""
