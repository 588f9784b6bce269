"""A driver of NVIDIA for tests: two real shared libraries, compiled here, that find what they say.

A process with the folder in LD_LIBRARY_PATH loads them in place of the driver's.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

NVML = """
#include <stdio.h>
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct { int number; } device;
static device devices[8];
typedef struct { unsigned gpu, memory; } nvmlUtilization_t;
int nvmlInitWithFlags(unsigned flags) { return INIT; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    snprintf(text, size, "%s", VERSION); return 0; }
int nvmlSystemGetCudaDriverVersion(int *version) { *version = CUDA; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = COUNT; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned number, device **handle) {
    if (number >= COUNT) return 2;
    devices[number].number = number; *handle = &devices[number]; return 0; }
int nvmlDeviceGetName(device *handle, char *text, unsigned size) {
    snprintf(text, size, "NVIDIA Bell %d", handle->number); return 0; }
int nvmlDeviceGetMemoryInfo(device *handle, nvmlMemory_t *memory) {
    if (handle->number == SHARED) return 3;
    memory->total = 16ull << 30; memory->free = FREE; memory->used = 0; return 0; }
int nvmlDeviceGetUUID(device *handle, char *text, unsigned size) {
    snprintf(text, size, "GPU-0000000%d-0000-0000-0000-000000000000", handle->number); return 0; }
int nvmlDeviceGetUtilizationRates(device *handle, nvmlUtilization_t *used) {
    if (handle->number == SHARED) return 3;
    used->gpu = 15; used->memory = 3; return 0; }
int nvmlDeviceGetTemperature(device *handle, int sensor, unsigned *degrees) {
    *degrees = 41; return 0; }
int nvmlDeviceGetPowerUsage(device *handle, unsigned *milliwatts) {
    *milliwatts = 68500; return 0; }
"""
CUDA = """
int cuInit(unsigned flags) { return INIT; }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDriverGetVersion(int *version) { *version = CUDA; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
    // In the other order, as CUDA puts the fastest one first.
    for (int at = 0; at < 16; at++) uuid[at] = 0;
    uuid[3] = COUNT - 1 - device; return 0; }
"""


def build_driver(
    folder: Path,
    *,
    gpus: int = 1,
    cuda: int = 13_000,
    free: int = 12 << 30,
    shared: int = -1,
    fails: int = 0,
) -> Path:
    """Compile both libraries into a folder; `shared` is a GPU without memory of its own."""
    defined = {
        "INIT": fails,
        "COUNT": gpus,
        "CUDA": cuda,
        "FREE": f"{free}ull",
        "SHARED": shared,
        "VERSION": '"580.65.06"',
    }
    flags = [f"-D{name}={value}" for name, value in defined.items()]
    for library, source in (("libnvidia-ml.so.1", NVML), ("libcuda.so.1", CUDA)):
        command = ["cc", "-shared", "-fPIC", "-w", *flags, "-x", "c", "-", "-o", folder / library]
        subprocess.run(command, input=source, text=True, check=True)
    return folder
