//! QEMU without KVM: the distribution's own kernel, more than one CPU, or a clock that counts
//! instructions. On request only; Debian packages `qemu-system-x86` and `linux-image-amd64`.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};

use super::Job;
use super::cpio::Archive;
use super::error::BootError;
use super::find::find_program;
use super::options::Boot;
use super::rootfs::mount_plain;

/// What the kernel needs before it can read this machine's files.
const MODULES: [&str; 5] = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_rng"];
/// The machine's files do not change under a run: they may be cached.
const ROOT_OPTIONS: &str = "trans=virtio,version=9p2000.L,msize=262144,cache=loose";

/// The command that boots the guest.
pub(super) fn command(
    boot: &Boot,
    job: &Job,
    run: &Path,
    init: &Path,
) -> Result<Command, BootError> {
    let qemu = find_program("qemu-system-x86_64").ok_or(BootError::Missing {
        program: "qemu-system-x86_64",
        package: "qemu-system-x86",
    })?;
    let release = newest_kernel().ok_or(BootError::Missing {
        program: "a kernel with 9p",
        package: "linux-image-amd64",
    })?;
    let initrd = run.join("initrd");
    write_initrd(&initrd, &release, init).map_err(BootError::Run)?;
    let console = File::create(run.join("console")).map_err(BootError::Run)?;
    let mut command = Command::new(qemu);
    command
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
            "-cpu",
            "max",
        ])
        .args(["-m", &boot.memory])
        .args(if boot.icount {
            &COUNTED[..]
        } else {
            &PARALLEL[..]
        })
        .arg("-kernel")
        .arg(format!("/boot/vmlinuz-{release}"))
        .arg("-initrd")
        .arg(&initrd)
        .args([
            "-append",
            KERNEL_LINE,
            "-serial",
            "stdio",
            "-device",
            "virtio-rng-pci",
        ])
        .args(share("root", Path::new("/"), ",readonly=on"))
        .args(share("job", run, ""));
    for (number, dir) in job.shares.iter().enumerate() {
        command.args(share(&format!("share{number}"), dir, ""));
    }
    command
        .stdin(Stdio::null())
        .stderr(console.try_clone().map_err(BootError::Run)?)
        .stdout(console);
    Ok(command)
}

/// Without the check of the timer: on a busy machine the emulated one may miss it, and the kernel panics.
const KERNEL_LINE: &str =
    "console=ttyS0 quiet loglevel=3 panic=-1 no_timer_check rdinit=/init -- guest qemu /job";
const PARALLEL: [&str; 4] = ["-accel", "tcg,thread=multi", "-smp", "2"];
const COUNTED: [&str; 6] = [
    "-accel",
    "tcg,thread=single",
    "-smp",
    "1",
    "-icount",
    "shift=0,sleep=off",
];

fn share(tag: &str, dir: &Path, more: &str) -> [String; 4] {
    [
        "-fsdev".into(),
        format!(
            "local,id={tag},path={},security_model=none,multidevs=remap{more}",
            dir.display().to_string().replace(',', ",,")
        ),
        "-device".into(),
        format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
    ]
}

/// The newest installed kernel with 9p (the cloud flavour has none).
fn newest_kernel() -> Option<String> {
    let mut releases: Vec<String> = fs::read_dir("/lib/modules")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|release| Path::new(&format!("/boot/vmlinuz-{release}")).is_file())
        .filter(|release| module_files(release, "9pnet_virtio").is_ok_and(|list| !list.is_empty()))
        .collect();
    releases.sort_by_key(|release| numbers(release));
    releases.pop()
}

fn numbers(release: &str) -> Vec<u32> {
    release
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// A module's file and those it needs, in the order in which they are loaded.
fn module_files(release: &str, module: &str) -> io::Result<Vec<PathBuf>> {
    let modprobe = find_program("modprobe").ok_or_else(|| io::Error::other("no modprobe"))?;
    let output = Command::new(modprobe)
        .args(["-S", release, "--show-depends", module])
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| line.strip_prefix("insmod "))
        .map(|line| PathBuf::from(line.trim_end()))
        .collect())
}

/// The first root: this program as init, its libraries, the modules in `/m`, numbered.
fn write_initrd(file: &Path, release: &str, init: &Path) -> io::Result<()> {
    let mut archive = Archive::new(BufWriter::new(File::create(file)?));
    for dir in ["dev", "proc", "sys", "ro", "rw", "m"] {
        archive.directory(dir)?;
    }
    archive.program("init", &fs::read(init)?)?;
    for library in libraries(init)? {
        archive.parents(&library)?;
        let name = library.to_string_lossy();
        archive.program(name.trim_start_matches('/'), &fs::read(&library)?)?;
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for module in MODULES {
        for file in module_files(release, module)? {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    for (number, file) in files.iter().enumerate() {
        archive.program(&format!("m/{number:03}"), &fs::read(file)?)?;
    }
    archive.finish()?;
    Ok(())
}

/// The libraries of a program by the names under which its loader looks for them.
fn libraries(program: &Path) -> io::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect())
}

/// In the guest: loads the modules and mounts the machine's root, read-only, at `/ro`.
pub(super) fn mount_root() -> io::Result<()> {
    for (kind, place) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        mount_plain(kind, Path::new(place), None)?;
    }
    let mut modules: Vec<PathBuf> = fs::read_dir("/m")?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    modules.sort();
    for module in modules {
        load(&module)?;
    }
    mount(
        Some("root"),
        "/ro",
        Some("9p"),
        MsFlags::MS_RDONLY,
        Some(ROOT_OPTIONS),
    )?;
    Ok(())
}

fn load(module: &Path) -> io::Result<()> {
    let file = File::open(module)?;
    let compressed = !fs::read(module)?.starts_with(b"\x7fELF");
    let flags = if compressed {
        // linux/module.h, MODULE_INIT_COMPRESSED_FILE: newer distributions compress theirs.
        ModuleInitFlags::from_bits_retain(4)
    } else {
        ModuleInitFlags::empty()
    };
    match finit_module(&file, c"", flags) {
        Ok(()) | Err(nix::errno::Errno::EEXIST) => Ok(()),
        Err(errno) => Err(io::Error::other(format!(
            "module {}: {errno}",
            module.display()
        ))),
    }
}
