//! The fused AdamW step against tch's.

use mtl_core::shim::{self, AdamStep};
use mtl_train::Result;
use tch::{Device, Tensor, nn, nn::OptimizerConfig as _};

use super::{median, timed};
use crate::summary::OptimizerRatio;

/// 10 M parameters in 100 tensors, tch's AdamW and the fused step in turn.
pub(crate) fn optimizer(rounds: usize) -> Result<OptimizerRatio> {
    eprintln!("timing the optimizer");
    let store = nn::VarStore::new(Device::Cpu);
    let mut params = Vec::new();
    for i in 0..100 {
        let p = store.root().var(&format!("p{i}"), &[250, 400], nn::Init::Uniform { lo: -0.1, up: 0.1 });
        let g = p.ones_like() * 1e-3;
        shim::set_grad(&p, Some(&g))?;
        params.push(p.detach().copy());
    }
    let mut tch_adamw = nn::AdamW::default().build(&store, 1e-3).map_err(mtl_core::Error::from)?;
    let like = |f: fn(&Tensor) -> Tensor| params.iter().map(f).collect::<Vec<_>>();
    let (grads, ms, vs) = (like(|p| p.ones_like() * 1e-3), like(Tensor::zeros_like), like(Tensor::zeros_like));
    let steps = like(|_| Tensor::zeros([0i64; 0], tch::kind::FLOAT_CPU));
    fn refs(list: &[Tensor]) -> Vec<&Tensor> {
        list.iter().collect()
    }
    let numbers = AdamStep { lr: 1e-3, beta1: 0.9, beta2: 0.999, weight_decay: 0.01, eps: 1e-8, decoupled: true };
    let (mut slow, mut fast, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + 2 {
        let a = timed(|| {
            tch_adamw.step();
            Ok(())
        })?;
        let b = timed(|| {
            let (params, grads) = (refs(&params), refs(&grads));
            Ok(shim::fused_adam(&params, &grads, &refs(&ms), &refs(&vs), None, &refs(&steps), numbers)?)
        })?;
        if round >= 2 {
            slow.push(a);
            fast.push(b);
            ratios.push(a / b);
        }
    }
    Ok(OptimizerRatio {
        tch_ms: median(&mut slow) * 1e3,
        fused_ms: median(&mut fast) * 1e3,
        fused_adamw_speedup: median(&mut ratios),
    })
}
