"""`python -S -E quick.py SOCKET ROLE NAME […]`: run a fixture that a zygote forks.

It imports next to nothing, as it is started hundreds of times.
"""

import json
import os
import socket
import sys

with socket.socket(socket.AF_UNIX) as zygote:
    zygote.connect(sys.argv[1])
    _, _, role, name, *arguments = sys.argv
    asked = {
        "role": role,
        "name": name,
        "arguments": arguments,
        "environment": dict(os.environ),
    }
    socket.send_fds(zygote, [json.dumps(asked).encode()], [0, 1, 2])
    for number in (0, 1):  # the fork has them; as long as they are open here, nobody sees their end
        os.close(number)
    code = zygote.recv(16)
os._exit(int(code or b"1"))
