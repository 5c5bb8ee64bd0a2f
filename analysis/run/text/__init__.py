"""Text as language hosts read it: tokenisers, labels of tokens, labelled sets of others. Free of torch."""
