// What VS Code starts: `ebpf-emu dap` from the PATH, or the command that the variable EBPF_EMU names.
const { spawn } = require('node:child_process');

const [command, ...args] = (process.env.EBPF_EMU || 'ebpf-emu').split(' ');
const child = spawn(command, [...args, 'dap'], { stdio: 'inherit', shell: process.platform === 'win32' });
child.on('error', () => {
  process.stderr.write(`${command} cannot be started: npm install -g ebpf-emu, or set EBPF_EMU\n`);
  process.exit(1);
});
child.on('exit', (code) => process.exit(code ?? 1));
