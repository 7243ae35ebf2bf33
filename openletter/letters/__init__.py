"""One true letter per mailbox and wave: wording, composing, clearing, handing over."""
