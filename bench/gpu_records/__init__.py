"""All measurements that need a GPU, as one resumable job of less than eight minutes: `make gpu-records`."""
