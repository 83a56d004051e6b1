#!/bin/sh
# Records session.strace anew. What the table expects of each tool is written down from it: change one with the other.
cd "$(dirname "$0")" && rm -rf /tmp/session &&
  exec env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 strace -f -ttt -s 256 -o session.strace /usr/bin/python3 -I -S session.py
