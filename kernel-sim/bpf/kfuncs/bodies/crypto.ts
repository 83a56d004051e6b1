/** Symmetric ciphers: bpf_crypto_ctx_create and its kin (Linux 6.12 kernel/bpf/crypto.c), by the host's own implementation. */
import { decodeLatin1, host } from '../../../../src/platform/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from '../../helpers/bodies/call.ts';
import { readDynptr } from '../../helpers/bodies/dynptr.ts';

/** struct bpf_crypto_params */
const PARAMS = { type: 0, reserved: 14, algo: 16, key: 144, key_len: 400, authsize: 404, size: 408 } as const;
const KEY_MAX = 256;
/** Ciphers of the kernel that the host has too: by the length of their keys and of their initial vectors, bytes. */
const CIPHERS: Readonly<
  Record<string, { readonly host: (bits: number) => string; readonly iv: number; readonly block: number }>
> = {
  'ecb(aes)': { host: (bits) => `aes-${bits}-ecb`, iv: 0, block: 16 },
  'cbc(aes)': { host: (bits) => `aes-${bits}-cbc`, iv: 16, block: 16 },
};
const AES_KEYS = [16, 24, 32];

/** Where the key is that a context stands for: behind `struct bpf_crypto_ctx`, with its length and the algorithm in front. */
const BEHIND = { algo: 0, length: 4, key: 8, size: 8 + 32 } as const;
const names = Object.keys(CIPHERS);

const create: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory, slab, structs } = kernel;
  const [params, size, error] = [args.addr(0), args.u32(1), args.addr(2)];
  const refuse = (errno: number): void => {
    memory.writeU32(error, -errno);
    args.ret(0, 0);
  };
  if (params === 0 || size !== PARAMS.size || memory.readU16(params + PARAMS.reserved) !== 0)
    return refuse(ERRNO.EINVAL);
  if (decodeLatin1(memory.readCString(params, PARAMS.reserved)) !== 'skcipher') return refuse(ERRNO.ENOENT);
  const algo = names.indexOf(decodeLatin1(memory.readCString(params + PARAMS.algo, PARAMS.key - PARAMS.algo)));
  const length = memory.readU32(params + PARAMS.key_len);
  if (algo < 0 || memory.readU32(params + PARAMS.authsize) !== 0 || host.cipher === undefined)
    return refuse(ERRNO.EOPNOTSUPP);
  if (length === 0 || length > KEY_MAX || !AES_KEYS.includes(length)) return refuse(ERRNO.EINVAL);
  const own = structs.of('bpf_crypto_ctx').size;
  const ctx = new GuestStruct(kernel, 'bpf_crypto_ctx', slab.kmalloc(own + BEHIND.size));
  ctx.set('siv_len', CIPHERS[names[algo] as string]?.iv ?? 0).set('usage.refs.counter', 1);
  memory.writeU32(ctx.at + own + BEHIND.algo, algo);
  memory.writeU32(ctx.at + own + BEHIND.length, length);
  memory.writeBytes(ctx.at + own + BEHIND.key, memory.readBytes(params + PARAMS.key, length));
  memory.writeU32(error, 0);
  args.retAddr(ctx.at);
};
const count = (call: HelperCall, by: 1 | -1): number => {
  const ctx = new GuestStruct(call.kernel, 'bpf_crypto_ctx', call.args.addr(0));
  const refs = ctx.get('usage.refs.counter') + by;
  ctx.set('usage.refs.counter', refs);
  return refs;
};

const crypt =
  (encrypt: boolean): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const { memory, structs } = kernel;
    const at = args.addr(0);
    const [src, dst] = [readDynptr(call, args.addr(1)), readDynptr(call, args.addr(2))];
    const iv = args.addr(3) === 0 ? undefined : readDynptr(call, args.addr(3));
    const ivLength = iv === undefined || iv.data === 0 ? 0 : iv.size;
    if (dst.readOnly || src.data === 0 || dst.data === 0 || src.size === 0 || dst.size < src.size)
      return args.retInt(-ERRNO.EINVAL);
    if (ivLength !== new GuestStruct(kernel, 'bpf_crypto_ctx', at).get('siv_len')) return args.retInt(-ERRNO.EINVAL);
    const behind = at + structs.of('bpf_crypto_ctx').size;
    const cipher = CIPHERS[names[memory.readU32(behind + BEHIND.algo)] ?? ''];
    const key = memory.readBytes(behind + BEHIND.key, memory.readU32(behind + BEHIND.length));
    if (cipher === undefined || src.size % cipher.block !== 0) return args.retInt(-ERRNO.EINVAL);
    const out = host.cipher?.({
      name: cipher.host(8 * key.length),
      key,
      iv: iv === undefined ? undefined : memory.readBytes(iv.start, ivLength),
      bytes: memory.readBytes(src.start, src.size),
      encrypt,
    });
    if (out === undefined) return args.retInt(-ERRNO.EOPNOTSUPP);
    memory.writeBytes(dst.start, out);
    args.retInt(0);
  };

export const CRYPTO: HelperBodies = {
  bpf_crypto_ctx_create: create,
  bpf_crypto_ctx_acquire: (call) => {
    count(call, 1);
    call.args.retAddr(call.args.addr(0));
  },
  bpf_crypto_ctx_release: (call) => {
    if (count(call, -1) === 0) call.kernel.slab.kfree(call.args.addr(0));
    call.args.ret(0, 0);
  },
  bpf_crypto_encrypt: crypt(true),
  bpf_crypto_decrypt: crypt(false),
};
