"""What is recorded for the table of tools, by record.sh."""
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time

FOLDER = "/tmp/session"
os.mkdir(FOLDER)
path = FOLDER + "/notes.txt"

# files, and a mount: 4 writes of 4096 bytes each on its way to the disk, one read back, a new name, and gone
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
for n in range(4):
    os.write(fd, bytes(4096))
    os.fsync(fd)
os.fdatasync(fd)
os.lseek(fd, 0, os.SEEK_SET)
os.read(fd, 8192)
os.close(fd)
os.rename(path, FOLDER + "/renamed.txt")
os.stat(FOLDER + "/renamed.txt")
os.unlink(FOLDER + "/renamed.txt")
os.sync()
try:
    os.stat(FOLDER + "/missing.txt")
except FileNotFoundError:
    pass
os.statvfs("/tmp")
libc = ctypes.CDLL(None)
libc.mount(b"none", FOLDER.encode(), b"tmpfs", 0, None)
libc.umount2(FOLDER.encode(), 0)
os.rmdir(FOLDER)

# a child that is done at once, one that fails, one that is ended by a signal
subprocess.run(["/bin/echo", "hello"])
subprocess.run(["/bin/false"])
child = subprocess.Popen(["/bin/sleep", "60"])
time.sleep(0.05)
os.kill(child.pid, signal.SIGTERM)
child.wait()
os.setuid(0)
thread = threading.Thread(target=lambda: time.sleep(0.01))
thread.start()
thread.join()

# a sleep by the call that C libraries do not make any more, shared memory, and a descriptor that is passed on
libc.syscall(35, (ctypes.c_long * 2)(0, 20_000_000), None)
libc.shmat.restype = ctypes.c_void_p
memory = libc.shmget(0x5eed, 8192, 0o1600)
at = libc.shmat(memory, None, 0)
libc.shmdt(ctypes.c_void_p(at))
libc.shmctl(memory, 0, None)
here, there = socket.socketpair()
fd = os.open("/etc/hostname", os.O_RDONLY)
socket.send_fds(here, [b"x"], [fd])
socket.recv_fds(there, 1, 1)

# a connection: 1000 bytes there, 2000 back; and one that is refused
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 8080))
listener.listen(7)


def serve():
    peer, _ = listener.accept()
    peer.recv(1000)
    peer.sendall(bytes(2000))
    peer.close()


if os.fork() == 0:
    serve()
    os._exit(3)
client = socket.create_connection(("127.0.0.1", 8080))
client.sendall(bytes(1000))
client.recv(4096)
client.recv(4096)
client.close()
os.wait()
try:
    socket.create_connection(("127.0.0.1", 9))
except ConnectionRefusedError:
    pass
listener.close()
# long enough for what is printed once a second
time.sleep(2.2)
