import type * as en from '../en'

export const prune: typeof en.prune = {
  open: '정리하기',
  title: '정리하기',
  text: '더는 아무것도 쓰지 않는 것들이에요. 지울 것을 고르면 디스크에 실제로 돌아오는 크기를 더해 줘요.',
  kinds: { container: '컨테이너', image: '이미지', volume: '볼륨', trash: '휴지통의 이미지' },
  reasons: {
    stopped: '실행 중이 아님',
    unnamed: '이름 없음, 안 씀',
    unused: '쓰는 컨테이너 없음',
    anonymous: '자동 이름, 마운트 안 함',
    unmounted: '마운트한 컨테이너 없음',
    trashed: '아직 되돌릴 수 있음',
  },
  total: (n) => `${n}개를 지우면 비는 크기`,
  sharedNote: '여러 이미지가 공유하는 레이어는 마지막 이미지까지 지워야 비어요. 그래서 줄의 합과 다를 수 있어요. 되돌릴 수 없어요.',
  nothing: '정리할 것이 없어요.',
  chooseFirst: '먼저 지울 것을 고르세요',
  removing: '지우는 중이에요',
  verb: (n) => `${n}개 지우기`,
  done: (n) => `${n}개를 지웠어요`,
  someStayed: (n) => `${n}개는 지우지 못했어요`,
}
