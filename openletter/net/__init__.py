"""The only code that opens sockets: mail out, mail in, the exercise's built-in mailbox.

It knows no database and no room: values in, values out; foreign exceptions end here.
"""
