/** Licences that count as GPL-compatible, include/linux/license.h. */
const COMPATIBLE = ['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'];
export const isGplCompatible = (license: string): boolean => COMPATIBLE.includes(license);
