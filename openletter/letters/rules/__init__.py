"""What a letter says and how it is built, decided without rows, clock, chance or network.

`facts` in; `text` makes the reader's words from a `wording`, `message` the bytes, `dkim` the
signature. Message-ID, Date, tokens, secrets and keys come as arguments.
"""
