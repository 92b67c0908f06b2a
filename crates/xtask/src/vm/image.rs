//! The system of the machine: Debian 13 with systemd, its kernel, and the disk they are packed into.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::shell::step;

const PACKAGES: &str = "systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,uidmap,passwd,\
                        iproute2,kmod,procps,busybox-static,libcap2-bin,podman,crun,conmon,docker-cli,nftables";
/// Finds the disk; all else that the start needs is built in.
const MODULE: &str = "virtio_blk";
const INIT: &str = "#!/bin/busybox sh\n/bin/busybox mkdir -p /proc /sys /dev /mnt\n\
    /bin/busybox mount -t devtmpfs dev /dev\n\
    /bin/busybox insmod /module.ko\n\
    until /bin/busybox mount -t ext4 /dev/vda /mnt; do /bin/busybox sleep 0.1; done\n\
    exec /bin/busybox switch_root /mnt /sbin/init\n";
/// What turns this system into one that starts by itself.
const SET_UP: &str = "passwd -d root; id someone || useradd -m -u 1000 someone; \
    mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/someone; \
    echo '/dev/vda / ext4 defaults 0 0' > /etc/fstab";
/// The kernel without drivers of machines that are not virtual; the newest one that Debian 13 has.
const KERNEL: &str = "apt-get update -q && cd /tmp && apt-get download -q $(apt-cache depends \
    linux-image-cloud-amd64 | sed -n 's/.*Depends: \\(linux-image-[0-9].*\\)/\\1/p' | head -1)";

/// Makes the system unless it is there, and gives back its kernel.
pub(super) fn system(folder: &Path) -> Result<PathBuf> {
    let (system, kernel) = (folder.join("system"), folder.join("vmlinuz"));
    if kernel.exists() {
        return Ok(kernel);
    }
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let at = system.display().to_string();
    step("debootstrap --include")
        .args([PACKAGES, "trixie", &at])
        .run()?;
    step("chroot").args([&at, "sh", "-c", SET_UP]).run()?;
    step("chroot").args([&at, "sh", "-c", KERNEL]).run()?;
    install_kernel(folder, &system)?;
    pack_initrd(folder, &system)?;
    // Last: its presence says that all of it is there.
    fs::rename(folder.join("vmlinuz.new"), &kernel).context("put the kernel in place")?;
    Ok(kernel)
}

fn install_kernel(folder: &Path, system: &Path) -> Result<()> {
    let unpack = "set -e; dpkg -x system/tmp/linux-image-*.deb kernel; rm system/tmp/linux-image-*.deb; \
        mkdir -p system/usr/lib/modules; cp -a kernel/usr/lib/modules/* system/usr/lib/modules/ \
        || cp -a kernel/lib/modules/* system/usr/lib/modules/; cp kernel/boot/vmlinuz-* vmlinuz.new; rm -r kernel";
    sh(folder, unpack)?;
    let version = version(system)?;
    step("chroot")
        .args([&system.display().to_string(), "depmod", &version])
        .run()
}

fn version(system: &Path) -> Result<String> {
    let modules = system.join("usr/lib/modules");
    let mut entries =
        fs::read_dir(&modules).with_context(|| format!("read {}", modules.display()))?;
    match entries.next() {
        Some(entry) => Ok(entry?.file_name().to_string_lossy().into_owned()),
        None => bail!("no kernel was unpacked to {}", modules.display()),
    }
}

/// A first root file system that does nothing but find the second.
fn pack_initrd(folder: &Path, system: &Path) -> Result<()> {
    let first = folder.join("first");
    fs::create_dir_all(first.join("bin"))?;
    fs::copy("/bin/busybox", first.join("bin/busybox")).context("copy the static busybox")?;
    fs::write(first.join("init"), INIT)?;
    let modules = system.join("usr/lib/modules");
    let find = format!("find {} -name {MODULE}.ko.xz", modules.display());
    sh(folder, &format!("xz -dc $({find}) > first/module.ko"))?;
    sh(
        folder,
        "chmod 755 first/init; cd first && find . | busybox cpio -o -H newc 2> /dev/null | gzip -1 > ../initrd.gz",
    )
}

/// Packs the system into a disk: without a mount, and in seconds.
pub(super) fn pack(folder: &Path) -> Result<()> {
    sh(
        folder,
        "rm -f disk.ext4; mke2fs -q -t ext4 -d system disk.ext4 3000M",
    )
}

fn sh(folder: &Path, line: &str) -> Result<()> {
    let line = format!("cd {} && {line}", folder.display());
    step("sh -c").args([&line]).run()
}
